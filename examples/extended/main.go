// Command extended adds a note to a check, with a client that is generated from a contract of this application's own:
//
//	go generate .
//	go run . CHECK-ID "Called back on Monday."
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"example.com/extended/averclient"
)

//go:generate go tool aver generate --overlay extension.overlay.yaml --out ./averclient

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: extended CHECK-ID NOTE")
	}
	client, err := averclient.New(os.Getenv("AVER_API_KEY"), os.Getenv("AVER_API_SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	note, err := client.AddNote(context.Background(), os.Args[1], averclient.AddNoteRequest{Text: os.Args[2]})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("added note", note.ID)
}
