"""What commands do to the session, in groups; the debugger's screen is made of them."""
