package sandbox

import (
	"encoding/base64"
	"time"

	"github.com/google/uuid"

	"github.com/goaver/aver-go/sandbox/internal/server"
	"github.com/goaver/aver-go/wire"
)

// The person whom the sandbox plays where nobody wants to type.
func specimenPerson() *server.AddPersonalInfoRequest {
	return &server.AddPersonalInfoRequest{
		FirstName: "Sandbox", LastName: "Person", DateOfBirth: new(wire.NewDate(1990, time.January, 31)), StreetAddress1: new("1 Sandbox Street"),
		City: new("Portland"), StateOrProvince: new("ME"), PostalCode: new("04101"), Country: new("US"),
	}
}

func specimenPhone() *server.AddPhoneRequest {
	return &server.AddPhoneRequest{Number: "2075550100", Country: "US"}
}

func specimenDocument() *document {
	return &document{id: uuid.NewString(), media: "image/png", content: &blob{size: int64(len(specimenPNG)), head: specimenPNG}}
}

// specimenPNG is a picture of one pixel.
var specimenPNG, _ = base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk" +
	"+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")

// fill adds what a check lacks. s.mu is held.
func (s *Sandbox) fill(c *check) {
	c.touched, c.enrolled = true, true
	if c.person == nil {
		s.setPerson(c, specimenPerson())
	}
	if *text(c.person.StreetAddress1) == "" {
		person := *c.person
		person.StreetAddress1 = specimenPerson().StreetAddress1
		c.person = &person
	}
	if c.phone == nil {
		c.phone = specimenPhone()
	}
	specimen := func() *document {
		d := specimenDocument()
		c.hold(d)
		return d
	}
	if c.front == nil {
		c.front, c.documentType = specimen(), server.DocumentTypePassportImage
	}
	if c.back == nil && c.documentType != server.DocumentTypePassportImage {
		c.back = specimen()
	}
	if c.photo == nil {
		c.photo = specimen()
	}
	if c.extended == nil && s.config.group.ExtendedPhoto {
		c.extended = specimen()
	}
	for _, paper := range c.neededPapers() {
		if c.papers[paper] == nil {
			c.setPaper(paper, specimen())
		}
	}
}
