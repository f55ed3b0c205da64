package main

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

//go:generate sh -c "cd images && go run make.go"

//go:embed images/*.jpg images/*.png
var specimens embed.FS

// A demo is a run of the whole flow.
type demo struct {
	front, back, selfie string // files; empty for the specimens
	firstName, lastName string
	email, phone        string
	outcome             string
	outcomeGiven        bool
	timeout             time.Duration
	asJSON              bool

	out    io.Writer
	bar    bool // out is a terminal
	client *api.Client
}

func newDemoCommand() *cobra.Command {
	d := &demo{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a check from the first call to the results",
		Long: `Demo creates a check, adds a person's data and images, submits it, waits, and reads the results and the watchlist
results. It runs on a sandbox of its own, or, when AVER_API_KEY, AVER_API_SECRET and AVER_GROUP_ID are set, on the
real service (or the one that AVER_BASE_URL names), where a check costs money unless the key is a Test API key.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.out = cmd.OutOrStdout()
			d.outcomeGiven = cmd.Flags().Changed("outcome")
			d.bar = !d.asJSON && isTerminal(d.out)
			return d.run(cmd.Context(), accountFromEnv())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&d.front, "front", "", "image of the front of the document, JPEG or PNG (default: a specimen)")
	flags.StringVar(&d.back, "back", "", "image of the back of the document (default: a specimen)")
	flags.StringVar(&d.selfie, "selfie", "", "photograph of the person (default: a specimen)")
	flags.StringVar(&d.firstName, "first-name", "Maria", "given name of the person")
	flags.StringVar(&d.lastName, "last-name", "Lindqvist", "family name of the person")
	flags.StringVar(&d.email, "email", "maria.lindqvist@example.com", "email address of the person")
	flags.StringVar(&d.phone, "phone", "2075550143", "phone number of the person, in the US")
	flags.StringVar(&d.outcome, "outcome", "WatchlistHitsFound+slow", "words that choose the outcome, on the built-in sandbox alone")
	flags.DurationVar(&d.timeout, "timeout", 5*time.Minute, "how long to wait for the results")
	flags.BoolVar(&d.asJSON, "json", false, "print one JSON object for each step")
	return cmd
}

func (d *demo) run(ctx context.Context, a account) error {
	for flag, file := range map[string]string{"front": d.front, "back": d.back, "selfie": d.selfie} {
		if err := checkFile(file); err != nil {
			return fmt.Errorf("--%s: %w", flag, err)
		}
	}
	if a.isSet() && d.outcomeGiven {
		return errors.New("--outcome chooses what the built-in sandbox does, and AVER_API_KEY has another service called; a sandbox elsewhere takes " +
			"" +
			"" +
			"the words in --email")
	}
	if !a.isSet() {
		if err := checkWords(d.outcome); err != nil {
			return err
		}
		d.email = withWords(d.email, d.outcome)
	}
	a, where, stop, err := a.target(sandbox.WithProcessing(0, 1500*time.Millisecond))
	if err != nil {
		return err
	}
	defer stop()
	client, err := a.client()
	if err != nil {
		return err
	}
	defer client.Close()
	d.client = client
	if !d.asJSON {
		fmt.Fprintf(d.out, "A check from the first call to the results, on %s\n\n", where)
	}
	return d.flow(ctx, a.groupID)
}

// checkFile refuses a file that cannot be read, before a check is created.
func checkFile(name string) error {
	if name == "" {
		return nil
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.IsDir() {
		return errors.Join(err, fmt.Errorf("%s is no file", name))
	}
	return nil
}

// checkWords refuses words that choose nothing.
func checkWords(words string) error {
	known := make(map[string]bool)
	for word := range sandbox.Outcomes() {
		known[strings.ToLower(word)] = true
	}
	for word := range strings.SplitSeq(strings.ToLower(words), "+") {
		if word != "" && !known[word] && !strings.HasPrefix(word, "hits-") && !strings.HasPrefix(word, "media-") {
			return fmt.Errorf("--outcome: %q chooses nothing; want some of %s", word, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	return nil
}

// withWords adds the words that choose an outcome to an email address.
func withWords(email, words string) string {
	name, domain, _ := strings.Cut(email, "@")
	if words == "" {
		return email
	}
	return name + "+" + words + "@" + domain
}

// flow is the main job of the whole module.
func (d *demo) flow(ctx context.Context, groupID string) error {
	err := d.step("exchange", "exchanged the key for a token", func() (string, error) {
		token, err := d.client.Provider().Token(ctx)
		return fmt.Sprintf("lives %s", token.Lifetime().Round(time.Second)), err
	})
	if err != nil {
		return err
	}

	var created *api.CreatedCheck
	err = d.step("createCheck", "created a check", func() (detail string, err error) {
		created, err = d.client.CreateCheck(ctx, api.CreateCheckRequest{
			ThirdPartyIdentifier: "aver-demo-" + rand.Text(),
			GroupID:              groupID,
			Email:                d.email,
		})
		if err != nil {
			return "", err
		}
		return created.CheckID, nil
	})
	if err != nil {
		return err
	}
	id := created.CheckID

	err = d.step("addPersonalInfo", "added personal information", func() (string, error) {
		err := d.client.AddPersonalInfo(ctx, id, api.AddPersonalInfoRequest{
			FirstName:       d.firstName,
			LastName:        d.lastName,
			DateOfBirth:     api.NewDate(1988, time.April, 17),
			Gender:          api.GenderFemale,
			StreetAddress1:  "218 Harbor Street",
			City:            "Portland",
			StateOrProvince: "ME",
			PostalCode:      "04101",
			Country:         "US",
			IPAddress:       "203.0.113.24",
		})
		return "name, date of birth, address", err
	})
	if err != nil {
		return err
	}
	err = d.step("addPhone", "added a phone number", func() (string, error) {
		err := d.client.AddPhone(ctx, id, api.AddPhoneRequest{Number: d.phone, Country: "US"})
		return "", err
	})
	if err != nil {
		return err
	}

	for _, side := range []struct {
		side           api.DocumentSide
		file, specimen string
	}{
		{api.DocumentSideFront, d.front, "license-front.jpg"},
		{api.DocumentSideBack, d.back, "license-back.jpg"},
	} {
		title := "uploaded the document's " + strings.ToLower(string(side.side))
		err = d.step("addIdDocument", title, func() (string, error) {
			return d.upload(side.file, side.specimen, func(image api.Image, progress api.CallOption) error {
				return d.client.AddIDDocumentWithImage(ctx, id, api.AddIDDocumentWithImageRequest{Type: api.DocumentTypeNADriverLicense,
					Side:  side.side,
					Image: image}, progress)
			})
		})
		if err != nil {
			return err
		}
	}
	err = d.step("addPhotoDocument", "uploaded a selfie", func() (string, error) {
		return d.upload(d.selfie, "selfie.png", func(image api.Image, progress api.CallOption) error {
			return d.client.AddPhotoDocumentWithImage(ctx, id, api.AddPhotoDocumentWithImageRequest{Image: image}, progress)
		})
	})
	if err != nil {
		return err
	}

	err = d.step("submitCheck", "submitted the check", func() (string, error) {
		submitted, err := d.client.SubmitCheck(ctx, id)
		if err != nil {
			return "", err
		}
		return string(submitted.Status), nil
	})
	if err != nil {
		return err
	}
	err = d.step("getCheck", "waited for the outcome", func() (string, error) {
		ctx, cancel := context.WithTimeout(ctx, d.timeout)
		defer cancel()
		check, err := d.client.WaitForCheck(ctx, id, api.WithPollInterval(500*time.Millisecond, 10*time.Second))
		if err != nil {
			return "", err
		}
		return string(check.Status), nil
	})
	if err != nil {
		return err
	}
	return d.read(ctx, id)
}

// read reads and prints the results, without what is personal.
func (d *demo) read(ctx context.Context, id string) error {
	var results *api.CheckResults
	err := d.step("getCheckResults", "read the results", func() (detail string, err error) {
		if results, err = d.client.GetCheckResults(ctx, id); err != nil {
			return "", err
		}
		return describeResults(results), nil
	})
	if err != nil || results.CheckResults == nil {
		return err
	}
	sections := results.CheckResults
	if document := sections.IdentificationDocument; document != nil && document.FrontID != "" {
		err := d.step("getCheckDocument", "downloaded the document's front", func() (string, error) {
			image, err := d.client.DownloadCheckDocument(ctx, id, document.FrontID, io.Discard)
			if err != nil {
				return "", err
			}
			return image.MediaType + ", " + size(image.Size), nil
		})
		if err != nil {
			return err
		}
	}
	if sections.WatchlistSearchID == "" {
		return nil
	}
	return d.step("getWatchlistSearchResults", "read the watchlist results", func() (string, error) {
		found, err := d.client.GetWatchlistSearchResults(ctx, sections.WatchlistSearchID)
		if err != nil {
			return "", err
		}
		lists, err := d.client.ListSearchedLists(ctx, sections.WatchlistSearchID)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d hits and %d pieces of news in %d lists", len(found.WatchlistResults), len(found.AdverseMediaResults), len(lists)), nil
	})
}

func describeResults(r *api.CheckResults) string {
	parts := []string{string(r.Status)}
	if r.StatusReason != "" {
		parts = append(parts, "reason "+string(r.StatusReason))
	}
	for _, w := range r.Warnings {
		parts = append(parts, "warning "+string(w))
	}
	if s := r.CheckResults; s != nil && s.RiskProfile != nil && s.RiskProfile.FacialMatchConfidence != nil {
		parts = append(parts, fmt.Sprintf("face match %.0f %%", *s.RiskProfile.FacialMatchConfidence))
	}
	return strings.Join(parts, ", ")
}

// step performs a step and prints it.
func (d *demo) step(name, title string, do func() (detail string, err error)) error {
	start := time.Now()
	detail, err := do()
	elapsed := time.Since(start)
	switch {
	case d.asJSON:
		line := map[string]any{"step": name, "ok": err == nil, "milliseconds": elapsed.Milliseconds()}
		if detail != "" && err == nil {
			line["detail"] = detail
		}
		if err != nil {
			line["error"] = err.Error()
		}
		_ = json.NewEncoder(d.out).Encode(line)
	case err != nil:
		fmt.Fprintf(d.out, "  ✗ %s\n\n", title)
	default:
		fmt.Fprintf(d.out, "  ✓ %-34s %-60s %8.1f ms\n", title, detail, float64(elapsed.Microseconds())/1000)
	}
	return err
}

// upload sends a file of the user's, or a specimen, and shows how far it is.
func (d *demo) upload(file, specimen string, send func(api.Image, api.CallOption) error) (string, error) {
	image := api.ImageFS(specimens, "images/"+specimen)
	if file != "" {
		image = api.ImageFile(file)
	}
	sent, shown := int64(0), time.Now()
	err := send(image, api.WithUploadProgress(func(n, total int64) {
		sent = n
		if d.bar && (time.Since(shown) > 50*time.Millisecond || n == total) {
			shown = time.Now()
			fmt.Fprintf(d.out, "\r  %s\x1b[K", bar(n, total))
		}
	}))
	if d.bar {
		fmt.Fprint(d.out, "\r\x1b[K")
	}
	if err != nil && file != "" {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return size(sent), err
}

// bar draws how much of an upload is sent.
func bar(sent, total int64) string {
	if total <= 0 {
		return size(sent)
	}
	const width = 40
	done := int(min(sent, total) * width / total)
	return strings.Repeat("█", done) + strings.Repeat("░", width-done) + fmt.Sprintf(" %3d %% of %s", min(sent, total)*100/total, size(total))
}

// isTerminal reports whether w is a terminal, as far as a character device is one.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func size(bytes int64) string {
	if bytes >= 10<<20 {
		return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.1f KB", float64(bytes)/1024)
}
