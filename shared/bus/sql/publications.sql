SELECT partition, position FROM publications
