"""The service as an operator has it: installed on a booted Debian, asked from outside."""
