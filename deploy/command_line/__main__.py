from deploy.command_line.app import main

main()
