from services.labeling.app import main

main()
