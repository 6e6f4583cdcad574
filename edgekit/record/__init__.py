"""What a build puts on record: the values that stages find out, and the manifest is made of."""
