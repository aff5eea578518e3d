"""What botocore does for a call: everything here imports it, and is imported at the first call (see `loading`)."""
