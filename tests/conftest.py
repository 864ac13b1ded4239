"""What all tests share. Only this file may name plugins: pytest asks for them before it collects."""

pytest_plugins = ["pytester"]
