from mer_client.cli import main

main()
