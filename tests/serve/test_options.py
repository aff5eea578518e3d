"""The command line's options: what no port or number of workers can be is refused."""

import pytest

from devmesh.cli import main


@pytest.mark.parametrize("options", [["--port", "99999"], ["--port", "-1"], ["--port", "x"], ["--workers", "0"]])
@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_an_impossible_option_is_refused(command, options, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, *options])
    assert ended.value.code == 2
    assert options[0].lstrip("-") in capsys.readouterr().err
