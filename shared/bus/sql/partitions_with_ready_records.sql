SELECT DISTINCT consumer, partition FROM held WHERE state = 'ready'
