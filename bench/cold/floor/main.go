// Command floor makes the call with net/http alone.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

func main() {
	req, err := http.NewRequest(http.MethodGet, os.Args[1]+"/check/c1", nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer token")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	var check struct{ ID string }
	if err := json.NewDecoder(resp.Body).Decode(&check); err != nil {
		panic(err)
	}
	fmt.Println(check.ID)
}
