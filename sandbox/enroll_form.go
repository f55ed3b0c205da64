package sandbox

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/goaver/aver-go/sandbox/internal/server"
	"github.com/goaver/aver-go/wire"
)

// A given is what a person sent: the values of a form, and an image.
type given struct {
	values url.Values
	image  *blob // nil for none
	name   string
}

// maxPhoto is how large an image of the enrollment may be, in bytes.
const maxPhoto = 20 << 20

// readForm reads a form. An image of it is kept like one of the API.
func (s *Sandbox) readForm(r *http.Request) (given, error) {
	g := given{values: make(url.Values)}
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "multipart/form-data" {
		err := r.ParseForm()
		g.values = r.PostForm
		return g, err
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return g, err
	}
	for {
		part, err := parts.NextPart()
		switch {
		case err == io.EOF:
			return g, nil
		case err != nil:
			return g, err
		case part.FormName() == "image" && part.FileName() != "" && g.image == nil:
			if g.image, err = s.images.keep(io.LimitReader(part, maxPhoto+1)); err != nil {
				return g, err
			}
			g.name = part.FileName()
		default:
			text, err := io.ReadAll(io.LimitReader(part, 64<<10))
			if err != nil {
				return g, err
			}
			g.values.Add(part.FormName(), string(text))
		}
	}
}

// A form is a step as a person sees it. Sandbox.mu is held while there is one.
type form struct {
	sandbox *Sandbox
	session *session
	check   *check
	step    *step
	page    *page
	given   given
	kept    bool // the image
}

// formOf returns the form of a step, with what is known already. s.mu is held.
func (s *Sandbox) formOf(in *session, at *step, number int) *form {
	c := in.check
	p := newPage(in.language).titled(at.title)
	p.Action, p.Button, p.Fill, p.leads = in.path(at.id), p.T["next"], true, at.id == "finish"
	steps := s.steps(c)
	p.progressed(number+1, len(steps))
	if number > 0 {
		p.Previous = in.path(steps[number-1].id)
	}
	f := &form{sandbox: s, session: in, check: c, step: at, page: p}
	person := c.known()
	switch {
	case at.id == "consent":
		p.Button = p.T["consent.button"]
		f.add(&field{ID: "agree", Label: p.T["consent.agree"], Kind: "checkbox", Required: true})
	case at.id == "code":
		f.add(&field{ID: "code", Label: p.T["code.label"], Hint: p.T["code.hint"], Kind: "password", Required: true, Complete: "new-password"})
	case at.id == "person":
		address := c.has(server.CheckTypeAddressVerification)
		f.ask("firstName", person.FirstName, "given-name", true)
		f.ask("middleName", *text(person.MiddleName), "additional-name", false)
		f.ask("lastName", person.LastName, "family-name", true)
		f.ask("dateOfBirth", isoDate(person.DateOfBirth), "bday", true).Kind = "date"
		f.ask("streetAddress1", *text(person.StreetAddress1), "street-address", address)
		f.ask("city", *text(person.City), "address-level2", address)
		f.ask("stateOrProvince", *text(person.StateOrProvince), "address-level1", false)
		f.ask("postalCode", *text(person.PostalCode), "postal-code", false)
		f.ask("country", *text(person.Country), "country", address).Hint = p.T["country.hint"]
	case at.id == "phone":
		number, country := "", *text(person.Country)
		if c.phone != nil {
			number, country = c.phone.Number, c.phone.Country
		}
		telephone := f.ask("number", number, "tel-national", true)
		telephone.Kind, telephone.Keyboard = "tel", "tel"
		f.ask("country", country, "country", true).Hint = p.T["country.hint"]
	case at.id == "finish":
		p.Button, p.Fill = p.T["finish.button"], false
		for _, each := range steps[:len(steps)-1] {
			if each.id == "consent" || each.id == "code" {
				continue
			}
			done := doneStep{Title: p.T[each.title], Path: in.path(each.id)}
			if each.image != nil {
				done.Image = in.path("image/" + each.image.id)
			}
			p.Done = append(p.Done, done)
		}
	default:
		f.addImage()
	}
	return f
}

func (f *form) add(each *field) *field {
	f.page.Fields = append(f.page.Fields, each)
	return each
}

// ask adds a field for a line of text.
func (f *form) ask(name, value, complete string, required bool) *field {
	return f.add(&field{ID: name, Label: f.page.T[name], Kind: "text", Value: value, Complete: complete, Required: required})
}

// addImage adds the fields of a step that takes an image.
func (f *form) addImage() {
	p, id := f.page, f.step.id
	p.Image = true
	capture := "environment"
	switch {
	case id == "front":
		kinds := &field{ID: "docType", Label: p.T["docType"], Kind: "select", Required: true, Value: string(f.check.documentType)}
		for _, kind := range []server.DocumentType{server.DocumentTypeNADriverLicense, server.DocumentTypePassportImage,
			server.DocumentTypeGenericIdentificationCardImage} {
			kinds.Options = append(kinds.Options, option{string(kind), p.T[string(kind)]})
		}
		f.add(kinds)
	case id == "selfie":
		capture = "user"
	case id == "pose":
		capture = "user"
		p.Text = append(p.Text, p.T[string(f.check.pose)])
	case isPaper(id):
		p.Text = append(p.Text, p.T["paper"])
	}
	f.add(&field{ID: "image", Label: p.T["image"], Hint: p.T["image.hint"], Kind: "file", Capture: capture, Required: true})
	if f.session.keep {
		f.add(&field{ID: "keep", Label: p.T["image.keep"], Kind: "checkbox"})
	}
}

// value returns what was given for a field, and has the page show it again.
func (f *form) value(id string) string {
	value := strings.TrimSpace(strings.ToValidUTF8(f.given.values.Get(id), "\uFFFD"))
	each := f.field(id)
	if each.Value = value; len(value) > 1000 {
		each.Wrong = f.page.T["long"]
	}
	return value
}

func (f *form) field(id string) *field {
	for _, each := range f.page.Fields {
		if each.ID == id {
			return each
		}
	}
	return &field{}
}

// required returns what was given for a field, which says so when that is nothing.
func (f *form) required(id string) string {
	value := f.value(id)
	if each := f.field(id); value == "" && each.Required {
		each.Wrong = f.page.T["missing"]
	}
	return value
}

func (f *form) takeConsent() {
	if f.value("agree") != "yes" {
		f.field("agree").Wrong = f.page.T["consent.wrong"]
		return
	}
	f.check.consented = true
}

func (f *form) takeCode() {
	code := f.given.values.Get("code")
	if utf8.RuneCountInString(code) < 6 || len(code) > 1000 {
		f.field("code").Wrong = f.page.T["code.wrong"]
		return
	}
	f.check.code = personalCode{true, sha256.Sum256([]byte(f.check.id + code))}
}

func (f *form) takePerson() {
	person := *f.check.known() // what else the API gave stays
	person.FirstName, person.LastName = f.required("firstName"), f.required("lastName")
	for id, into := range map[string]**string{
		"middleName": &person.MiddleName, "streetAddress1": &person.StreetAddress1, "city": &person.City,
		"stateOrProvince": &person.StateOrProvince, "postalCode": &person.PostalCode,
	} {
		if *into = nil; f.required(id) != "" {
			*into = new(f.value(id))
		}
	}
	if person.Country = nil; f.country() != "" {
		person.Country = new(f.country())
	}
	if text := f.required("dateOfBirth"); text != "" {
		born, err := time.Parse(time.DateOnly, text)
		if err != nil || !born.Before(f.sandbox.config.now()) || born.Year() < 1880 {
			f.field("dateOfBirth").Wrong = f.page.T["date.wrong"]
		} else {
			person.DateOfBirth = new(wire.NewDate(born.Date()))
		}
	}
	if !f.page.Wrong() {
		f.sandbox.setPerson(f.check, &person)
	}
}

// country reads the code of a country.
func (f *form) country() string {
	country := strings.ToUpper(f.required("country"))
	if country != "" && (len(country) != 2 || strings.Trim(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		f.field("country").Wrong = f.page.T["country.wrong"]
	}
	return country
}

func (f *form) takePhone() {
	number := f.required("number")
	digits := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "+", "").Replace(number)
	if number != "" && (len(digits) < 4 || strings.Trim(digits, "0123456789") != "") {
		f.field("number").Wrong = f.page.T["number.wrong"]
	}
	if country := f.country(); !f.page.Wrong() {
		f.check.phone = &server.AddPhoneRequest{Number: digits, Country: country}
	}
}

func (f *form) takeFinish() {
	if len(f.check.missing(f.sandbox.config.group)) == 0 {
		f.check.enrolled = true
		f.sandbox.submit(f.check)
	}
}

// takeImage takes the image of a step.
func (f *form) takeImage() {
	kind := server.DocumentType(f.value("docType"))
	image, wrong := f.given.image, f.field("image")
	switch {
	case image == nil || image.size == 0:
		wrong.Wrong = f.page.T["image.missing"]
		return
	case image.size > maxPhoto:
		wrong.Wrong = f.page.T["image.large"]
		return
	}
	d := &document{id: uuid.NewString(), content: image}
	switch {
	case bytes.HasPrefix(image.head, jpegMagic):
		d.media = "image/jpeg"
	case bytes.HasPrefix(image.head, pngMagic):
		d.media = "image/png"
	default:
		wrong.Wrong = fmt.Sprintf(f.page.T["image.kind"], kindOf(image.head, f.page.T["image.other"]))
		return
	}
	if !isPaper(f.step.id) && (f.check.outcome.unreadable || unreadableName(f.given.name)) {
		if f.given.values.Get("keep") != "yes" {
			wrong.Wrong = f.page.T["image.unreadable"]
			if !f.session.keep {
				f.session.keep = true
				f.add(&field{ID: "keep", Label: f.page.T["image.keep"], Kind: "checkbox"})
			}
			return
		}
		d.unreadable = true
	}
	f.kept = true
	f.place(d, kind)
}

// place puts an image where its step belongs.
func (f *form) place(d *document, kind server.DocumentType) {
	c := f.check
	c.hold(d)
	f.session.keep = false
	switch id := f.step.id; id {
	case "front":
		if c.front, c.documentType = d, kind; !kind.Valid() {
			c.documentType = server.DocumentTypePassportImage
		}
		if c.documentType == server.DocumentTypePassportImage { // which has no back
			c.back = nil
		}
	case "back":
		c.back = d
	case "selfie":
		c.photo = d
	case "pose":
		c.extended = d
	default:
		c.setPaper(server.SupplementalDocumentType(id), d)
	}
}

// kindOf says what the beginning of a file is, as far as people send it.
func kindOf(head []byte, other string) string {
	switch {
	case len(head) > 12 && string(head[4:8]) == "ftyp" && bytes.ContainsAny(head[8:12], "hm"):
		return "HEIC"
	case bytes.HasPrefix(head, []byte("%PDF")):
		return "PDF"
	case bytes.HasPrefix(head, []byte("GIF8")):
		return "GIF"
	case len(head) > 12 && string(head[8:12]) == "WEBP":
		return "WebP"
	}
	return other
}

// fill does what the person would do at the step.
func (f *form) fill() {
	c := f.check
	switch f.step.id {
	case "consent":
		c.consented = true
	case "code":
		c.code = personalCode{true, sha256.Sum256([]byte(c.id + "sandbox"))}
	case "person":
		f.sandbox.setPerson(c, specimenPerson())
	case "phone":
		c.phone = specimenPhone()
	case "finish":
		f.takeFinish()
	default:
		f.place(specimenDocument(), server.DocumentTypePassportImage)
	}
}

// isoDate returns a date as a form has it.
func isoDate(d *wire.Date) string {
	if d == nil {
		return ""
	}
	t, err := d.Time()
	if err != nil {
		return ""
	}
	return t.Format(time.DateOnly)
}
