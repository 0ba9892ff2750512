"""Questions asked of a finished pass, one file per question."""
