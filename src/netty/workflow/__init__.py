"""What netty does, one verb a module: search, plan, retrieve, receive, register, render."""
