"""Other people's models and numbers in: one file per framework, which is imported only when it is used."""
