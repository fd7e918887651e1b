UPDATE relay_lease SET renewed_at = '-infinity' WHERE holder = $1
