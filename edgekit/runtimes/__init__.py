"""The real interpreters: ``run(model, inputs) -> outputs``, each isolated from this process."""
