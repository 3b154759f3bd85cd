"""What people teach: judged answers become test questions, which test runs ask again."""
