"""The one path of a tool call, and which tools a caller sees."""
