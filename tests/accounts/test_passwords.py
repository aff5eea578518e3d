import pytest

from devmesh.accounts import passwords

NAMES = ("My Company", "my-company")


@pytest.mark.parametrize(
    "password",
    [
        "SecurePass123!",
        "Tr0ub4dor",
        "correct horse battery",
        "x7K" * 80,
        "\u00c4pfel und B\u00e4ume",
        "\u0416\u0436\u0661\u0662\u0663\u0664\u0665\u0666",
    ],
)
def test_a_good_password_is_accepted(password):
    assert passwords.unmet(passwords.normal(password), NAMES) == []


@pytest.mark.parametrize(
    ("password", "rules"),
    [
        ("", 4),
        ("Ab1", 1),
        ("alllower1", 1),
        ("ALLUPPER1", 1),
        ("NoDigitsHere", 1),
        ("lower", 3),
        ("x" * 257, 1),
        ("Password1", 1),
        ("pAssword123", 1),
        ("Password1!", 1),
        ("1q2w3e4r5T", 1),
        ("qwertyuiopasdfgh", 1),
        ("Abcdefg1\ud800", 1),
    ],
)
def test_each_unmet_rule_is_named(password, rules):
    assert len(passwords.unmet(password, NAMES)) == rules


@pytest.mark.parametrize("password", ["My Widget Company 1", "my-widget-company-1", "MyWidgetCompany1!!"])
def test_the_organizations_name_is_refused_however_it_is_written(password):
    assert passwords.unmet(password, ("My Widget Company 1", "")) == ["must not be the organization's name"]


@pytest.mark.parametrize(
    "password", ["MyCompany1", "My-Company2026!", "007 My Company", "DeveloperMesh1", "devMesh2026?"]
)
def test_a_name_of_ours_or_the_organizations_is_refused_with_digits_around_it(password):
    (rule,) = passwords.unmet(password, NAMES)
    assert "name" in rule


@pytest.mark.parametrize("password", ["MyCompany1Ltd", "2026DevMesh rocks it"])
def test_a_name_within_more_than_that_is_not(password):
    assert passwords.unmet(password, NAMES) == []


@pytest.mark.parametrize("typed", ["e\u0301" * 257, "e\u0301" * 600, "A1a" * 1000])
def test_a_password_is_never_cut_to_fit(typed):
    assert passwords.unmet(passwords.normal(typed), NAMES) == ["must have at most 256 characters"]


def test_every_password_of_256_characters_may_be_typed_with_its_marks_apart():
    assert passwords.unmet(passwords.normal("e\u0302\u0301" * 256), NAMES) == []


def test_a_password_without_a_letter_or_digit_is_nobodys_name():
    assert passwords.unmet("!" * 20, ("", "")) == []


def test_what_looks_alike_on_two_keyboards_is_one_password():
    assert passwords.normal("A\u0308pfel \ufb01n") == passwords.normal("\u00c4pfel fin")


@pytest.mark.parametrize("password", ["fifteen letters", "x7K" * 80, "\u00c4pfel und B\u00e4ume"])
def test_an_organization_of_the_nist_policy_takes_any_15_characters(password):
    assert passwords.unmet(passwords.normal(password), NAMES, policy="nist") == []


@pytest.mark.parametrize("password", ["SecurePass123!", "Tr0ub4dor", ""])
def test_an_organization_of_the_nist_policy_takes_nothing_shorter_of_whatever_kind(password):
    (rule,) = passwords.unmet(password, NAMES, policy="nist")
    assert "at least 15 characters" in rule


def test_the_nist_policy_refuses_common_passwords_too():
    assert "common" in passwords.unmet("qwertyuiopasdfgh", NAMES, policy="nist")[0]
