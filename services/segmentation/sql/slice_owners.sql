SELECT partition, url, epoch FROM slice_owner
