SELECT topic, sequence FROM decided WHERE partition = $1
