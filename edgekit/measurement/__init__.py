"""Measured numbers: from boards, phones and linker maps."""
