SELECT epoch FROM slice_owner WHERE partition = $1
