package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/goaver/aver-go/authprovider"
)

func newTokenCommand() *cobra.Command {
	var show, asJSON bool
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Tell whether the credentials work and how long a token lives",
		Long: `Token exchanges AVER_API_KEY and AVER_API_SECRET for a bearer token and tells how long it lives.
AVER_BASE_URL names another service than production. The token itself is printed with --show only.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			token, err := exchange(cmd.Context())
			if err != nil {
				if asJSON {
					_ = json.NewEncoder(out).Encode(map[string]any{"ok": false, "error": err.Error()})
				}
				return err
			}
			lifetime := token.Lifetime().Round(time.Second)
			switch {
			case asJSON:
				answer := map[string]any{"ok": true, "lifetime_seconds": lifetime.Seconds(), "expires_at": token.Expiry().UTC().Format(time.RFC3339)}
				if show {
					answer["token"] = token.Value()
				}
				return json.NewEncoder(out).Encode(answer)
			case show:
				_, err = fmt.Fprintln(out, token.Value())
			default:
				_, err = fmt.Fprintf(out, "The credentials work. The token lives for %s, until %s.\n", lifetime, token.Expiry().Format(time.TimeOnly))
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&show, "show", false, "print the token, which is a secret")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// exchange exchanges the credentials of the environment for a token.
func exchange(ctx context.Context) (authprovider.Token, error) {
	client, err := accountFromEnv().client()
	if err != nil {
		return authprovider.Token{}, err
	}
	defer client.Close()
	return client.Provider().Token(ctx)
}
