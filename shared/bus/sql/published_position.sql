SELECT position FROM publications WHERE partition = $1
