SELECT generation FROM verbatim.generations
