"""People: what the shop tells us, and when two mailboxes are one."""
