"""The scopes of which Slack's methods want one: those of today's bot and user tokens, and the classic ones.

https://docs.slack.dev/reference/scopes, and the facts of each method.
"""

from __future__ import annotations

READ = ("channels:read", "groups:read", "im:read", "mpim:read")
HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
MANAGE = ("channels:manage", "channels:write", "groups:write", "im:write", "mpim:write")
TOPIC = (*MANAGE, "channels:write.topic", "groups:write.topic", "im:write.topic", "mpim:write.topic")
INVITES = (*MANAGE, "channels:write.invites", "groups:write.invites")
JOIN = ("channels:join", "channels:write")
CHAT = ("chat:write", "chat:write:bot", "chat:write:user")
FILES = ("files:write", "files:write:user")
