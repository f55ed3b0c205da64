// Command loop reads what the service sends since it changed, with a client that is generated from what traffic showed:
//
//	go run ./changed                                        (in another terminal; it says what to export)
//	go tool aver contract run --propose drift.overlay.yaml
//	go tool aver generate --overlay drift.overlay.yaml --out ./averclient
//	go run .
//
// transcript.txt shows what each of them prints.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"example.com/loop/averclient"
)

func main() {
	client, err := averclient.New(os.Getenv("AVER_API_KEY"), os.Getenv("AVER_API_SECRET"), averclient.WithBaseURL(os.Getenv("AVER_BASE_URL")))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx := context.Background()
	created, err := client.CreateCheck(ctx, averclient.CreateCheckRequest{
		ThirdPartyIdentifier: "customer-7", GroupID: os.Getenv("AVER_GROUP_ID"), Email: "maria@example.com",
	})
	if err != nil {
		log.Fatal(err)
	}
	check, err := client.GetCheck(ctx, created.CheckID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the new property, read by name:", check.AssignedTo != "")
	fmt.Println("the new property, printed:     ", check)
	fmt.Println("the new value has a name:      ", averclient.CheckTypeBiometricVerification)
}
