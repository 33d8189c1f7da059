"""The course in a class, tried for real. Not in `make test`: it installs what a learner has not."""
