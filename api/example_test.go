package api_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"sync"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

func Example() {
	box, err := sandbox.Listen()
	if err != nil {
		log.Fatal(err)
	}
	defer box.Close()

	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(box.URL))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx := context.Background()
	created, err := client.CreateCheck(ctx, api.CreateCheckRequest{
		ThirdPartyIdentifier: "customer-20417",
		GroupID:              box.GroupID,
		Email:                "maria.lindqvist@example.com",
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := client.AddPersonalInfo(ctx, created.CheckID, api.AddPersonalInfoRequest{
		FirstName:   "Maria",
		LastName:    "Lindqvist",
		DateOfBirth: api.NewDate(1988, time.April, 17),
	}); err != nil {
		log.Fatal(err)
	}
	check, err := client.GetCheck(ctx, created.CheckID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(check.Status)
	// Output: AwaitingUser
}

func ExampleClient_WaitForCheck() {
	box, err := sandbox.Listen(sandbox.WithGroup(sandbox.Group{CheckTypes: []string{"EmailVerification"}}),
		sandbox.WithProcessing(0, 20*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	defer box.Close()
	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(box.URL), api.WithSandboxOnly())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	created, err := client.CreateCheck(ctx, api.CreateCheckRequest{
		ThirdPartyIdentifier: "customer-20417", GroupID: box.GroupID, Email: "maria+slow+ExpiredDocuments@example.com",
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := client.AddPersonalInfo(ctx, created.CheckID, api.AddPersonalInfoRequest{FirstName: "Maria", LastName: "Lindqvist"}); err != nil {
		log.Fatal(err)
	}
	if _, err := client.SubmitCheck(ctx, created.CheckID); errors.Is(err, api.ErrOutcomeUnknown) {
		log.Fatal("read the check before submitting it again: ", err)
	} else if err != nil {
		log.Fatal(err)
	}
	check, err := client.WaitForCheck(ctx, created.CheckID, api.WithPollInterval(10*time.Millisecond, time.Second))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(check.Status, check.StatusReason)
	// Output: Rejected ExpiredDocuments
}

func ExampleError() {
	box, err := sandbox.Listen()
	if err != nil {
		log.Fatal(err)
	}
	defer box.Close()
	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(box.URL))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	_, err = client.GetCheck(context.Background(), "no-such-check")
	fmt.Println(errors.Is(err, api.ErrNotFound))
	var failure *api.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.Operation, failure.Status, failure.Message)
	}
	// Output:
	// true
	// getCheck 404 No check has this ID.
}

func ExampleClient_AddIDDocumentWithImage() {
	box, err := sandbox.Listen()
	if err != nil {
		log.Fatal(err)
	}
	defer box.Close()
	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(box.URL))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx := context.Background()
	created, err := client.CreateCheck(ctx, api.CreateCheckRequest{ThirdPartyIdentifier: "customer-20417", GroupID: box.GroupID,
		Email: "maria.lindqvist@example.com"})
	if err != nil {
		log.Fatal(err)
	}
	front := "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"
	err = client.AddIDDocumentWithImage(ctx, created.CheckID, api.AddIDDocumentWithImageRequest{
		Type:  api.DocumentTypePassportImage,
		Side:  api.DocumentSideFront,
		Image: api.ImageReader("front.jpg", strings.NewReader(front)), // or ImageFile, ImageFS, ImageBytes
	}, api.WithUploadProgress(func(sent, total int64) { fmt.Println(sent, "of", total) }))
	fmt.Println(err)

	err = client.AddPhotoDocumentWithImage(ctx, created.CheckID, api.AddPhotoDocumentWithImageRequest{
		Image: api.ImageReader("selfie.jpg", strings.NewReader("%PDF-1.7")),
	})
	fmt.Println(err)
	// Output:
	// 22 of 22
	// <nil>
	// aver: addPhotoDocument: the image cannot be sent: it is PDF; want a JPEG or PNG image
}

// An image that the service cannot read is refused, so that the person can take it again. After the second time it is kept
// as it is: the check may then be rejected as unreadable, but the person gets on.
func ExampleClient_AddPhotoDocumentWithImage() {
	box, err := sandbox.Listen()
	if err != nil {
		log.Fatal(err)
	}
	defer box.Close()
	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(box.URL))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx := context.Background()
	created, err := client.CreateCheck(ctx, api.CreateCheckRequest{ThirdPartyIdentifier: "customer-20417", GroupID: box.GroupID,
		Email: "maria.lindqvist@example.com"})
	if err != nil {
		log.Fatal(err)
	}
	const patience = 2
	for attempt, name := range []string{"blurred+unreadable.jpg", "dark+unreadable.jpg",
		"sharp.jpg"} { // what the camera brings; the sandbox reads the word
		image := api.ImageBytes(name, []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"))
		err := client.AddPhotoDocumentWithImage(ctx, created.CheckID,
			api.AddPhotoDocumentWithImageRequest{Image: image, ForceCommit: attempt+1 == patience})
		if !errors.Is(err, api.ErrInvalidRequest) {
			fmt.Println("kept after", attempt+1, "attempts:", err)
			break
		}
		var failure *api.Error
		errors.As(err, &failure)
		fmt.Println("please try again:", failure.Message)
	}
	// Output:
	// please try again: The image cannot be read. Take it again, or have it kept with forceCommit.
	// kept after 2 attempts: <nil>
}

// A middleware counts attempts by operation and status, as one for Prometheus or expvar would; a capture tells of one call what its
// result does not.
func ExampleWithMiddleware() {
	box, err := sandbox.Listen(sandbox.WithFaults(sandbox.Faults{Next: 1, Status: 503, SpareExchange: true}))
	if err != nil {
		log.Fatal(err)
	}
	defer box.Close()
	var mu sync.Mutex
	attempts := make(map[string]int)
	count := func(ctx context.Context, a api.Attempt, next func(context.Context) api.AttemptResult) api.AttemptResult {
		result := next(ctx)
		mu.Lock()
		defer mu.Unlock()
		attempts[fmt.Sprint(a.Operation, " ", result.Status)]++
		return result
	}
	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(box.URL), api.WithMiddleware(count))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	var capture api.Capture
	_, err = client.LookupChecks(context.Background(), api.LookupChecksRequest{Email: "maria@example.com"}, api.WithCapture(&capture))
	fmt.Println(err, attempts)
	fmt.Println(capture.Status, "after", capture.Attempts, "attempts")
	// Output:
	// <nil> map[lookupChecks 200:1 lookupChecks 503:1]
	// 200 after 2 attempts
}
