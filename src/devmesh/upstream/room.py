"""How much of long answers the calls of one organization may hold in memory at once."""

from __future__ import annotations

UNIT = 1024 * 1024  # the first of an answer is not counted: nearly all are shorter
MOST_UNITS = 128


class NoRoomError(Exception):
    """The organization's calls hold as much as they may."""


class Room:
    """One organization's: how many units its calls hold now, in this process."""

    __slots__ = ("__weakref__", "held")

    def __init__(self) -> None:
        self.held = 0


class Held:
    """What one answer holds of the room; given back with the last reference to it, as the answer's memory is."""

    __slots__ = ("_room", "_units")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._units = 0

    def grow(self) -> None:
        """Hold one unit more; raise NoRoomError if there is none left."""
        if self._room.held >= MOST_UNITS:
            raise NoRoomError
        self._room.held += 1
        self._units += 1

    def __del__(self) -> None:
        self._room.held -= self._units
