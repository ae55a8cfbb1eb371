"""What can be taken away: rows of every kind, as files for people, for programs and for spreadsheets."""
