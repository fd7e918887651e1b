from services.delivery.app import main

main()
