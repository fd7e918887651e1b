from services.segmentation.app import main

main()
