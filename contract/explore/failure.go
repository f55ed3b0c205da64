package explore

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/internal/spec"
)

// A Failure is something that a service does wrong, with the smallest story that shows it.
type Failure struct {
	Kind      Kind                `json:"kind"`
	Operation string              `json:"operation"`
	What      string              `json:"what"`  // one line, of the first time
	Times     int                 `json:"times"` // how many requests showed it
	Steps     []Step              `json:"steps"` // of which the last one shows it
	Once      bool                `json:"once"`  // the same steps did not show it again
	Line      int                 `json:"line"`  // of the contract, as it was read
	Violation *contract.Violation `json:"violation,omitempty"`

	class    string // what is tried, or the rule
	document *spec.Document
}

// String returns one line, or two.
func (f *Failure) String() string {
	text := f.What
	if f.Times > 1 {
		text += fmt.Sprintf(" (%d requests)", f.Times)
	}
	if f.Once {
		text += "\n    the same steps did not show it again"
	}
	return text
}

// Curl returns the story as lines for bash (with jq where one step needs something of another). The variables TOKEN, or KEY and SECRET,
// stand for the credentials, and those that are called as values for [Explorer.Values].
func (f *Failure) Curl(address string) string {
	c := &curl{base: strings.TrimSuffix(address, "/"), steps: f.Steps, document: f.document}
	var b strings.Builder
	if strings.Contains(fmt.Sprint(f.Steps), "$unique") {
		b.WriteString("UNIQUE=$(date +%s)\n")
	}
	for i := range f.Steps {
		line, before := c.line(i), ""
		if body := f.Steps[i].Body; len(body) > longBody {
			before = "printf %s " + c.body(body) + " | "
		}
		if c.needed(i + 1) {
			line = fmt.Sprintf("STEP%d=$(%scurl -s %s)", i+1, before, line)
		} else {
			line = before + "curl -i " + line
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

type curl struct {
	base     string
	steps    []Step
	document *spec.Document
}

// needed reports whether a later step asks for the answer of a step.
func (c *curl) needed(n int) bool {
	return slices.ContainsFunc(c.steps[n:], func(step Step) bool {
		return strings.Contains(fmt.Sprint(step), fmt.Sprintf("$steps.%d.response", n))
	})
}

// line returns the arguments of curl for a step.
func (c *curl) line(i int) string {
	step := c.steps[i]
	var op *spec.Operation
	for _, other := range c.document.Operations {
		if other.ID == step.Operation {
			op = other
		}
	}
	if op == nil {
		return "# " + step.Operation
	}
	var args []string
	method := op.Method
	if step.Method != "" {
		method = step.Method
	}
	if method != "GET" || step.Body != "" {
		args = append(args, "-X "+method)
	}
	if step.Credentials != None {
		args = append(args, c.credentials(op, step.Credentials)...)
	}
	address := ""
	plain := c.base // what no reference stands for
	add := func(value string, escape func(string) string) {
		if reference.MatchString(value) {
			address += shell(plain) + c.value(value, true)
			plain = ""
		} else {
			plain += strings.ReplaceAll(escape(value), "%24unique", "$unique")
		}
	}
	rest := op.Path
	for {
		before, behind, ok := strings.Cut(rest, "{")
		plain += before
		if !ok {
			break
		}
		name, after, _ := strings.Cut(behind, "}")
		add(step.Params[name], escape)
		rest = after
	}
	query := "?"
	for _, p := range op.Params {
		value, ok := step.Params[p.Name]
		switch {
		case ok && p.In == "query":
			for _, text := range inQuery(p, value) {
				plain += query + url.QueryEscape(p.Name) + "="
				add(text, url.QueryEscape)
				query = "&"
			}
		case ok && p.In == "header":
			args = append(args, "-H "+shell(p.Name+": ")+c.text(value))
		case ok && p.In == "cookie":
			args = append(args, "-b "+shell(p.Name+"=")+c.text(value))
		}
	}
	address += shell(plain)
	if media := step.Media; media != "none" && (step.Body != "" || media != "") {
		if media == "" {
			media = "application/json"
		}
		args = append(args, "-H "+shell("Content-Type: "+media))
	} else if step.Body != "" {
		args = append(args, "-H 'Content-Type:'")
	}
	if len(step.Body) > longBody {
		args = append(args, "--data-binary @- ")
	} else if step.Body != "" {
		args = append(args, "--data-binary "+c.body(step.Body))
	}
	return strings.Join(append(args, address), " ")
}

// longBody is how long a body may be as an argument of a program, in bytes.
const longBody = 100_000

// credentials returns the arguments for what an operation's security asks for.
func (c *curl) credentials(op *spec.Operation, how Credentials) []string {
	var args []string
	if len(op.Security) == 0 {
		return nil
	}
	schemes := c.document.SecuritySchemes()
	changed := ""
	if how == Altered {
		changed = "x"
	}
	for _, name := range spec.Schemes(op.Security[0]) {
		scheme := schemes[name]
		kind, _ := spec.Member(scheme, "type").(string)
		word, _ := spec.Member(scheme, "scheme").(string)
		header, _ := spec.Member(scheme, "name").(string)
		switch {
		case strings.EqualFold(word, "basic") && how == Scheme:
			args = append(args, `-H "Authorization: Bearer $KEY"`)
		case strings.EqualFold(word, "basic"):
			args = append(args, `-u "$KEY:$SECRET`+changed+`"`)
		case kind == "apiKey":
			args = append(args, fmt.Sprintf(`-H "%s: $KEY%s"`, header, changed))
		case how == Scheme:
			args = append(args, `-H "Authorization: Basic $TOKEN"`)
		default:
			args = append(args, `-H "Authorization: Bearer ${TOKEN}`+changed+`"`)
		}
	}
	return args
}

// value returns the shell's word for a reference; nothing for a text. In an address it is escaped.
func (c *curl) value(text string, inAddress bool) string {
	m := reference.FindStringSubmatch(text)
	switch {
	case m == nil:
		return ""
	case m[3] != "":
		return `"$` + regexp.MustCompile(`[^A-Za-z0-9_]`).ReplaceAllString(m[3], "_") + `"`
	}
	n, _ := strconv.Atoi(m[1])
	from, _ := spec.ReadExpression("$" + m[2])
	if from.Answer && from.In == "body" {
		filter := "."
		for _, token := range spec.Tokens(from.Name) {
			if _, err := strconv.Atoi(token); err == nil {
				filter += "[" + token + "]"
			} else if plainName.MatchString(token) {
				filter = strings.TrimSuffix(filter, ".") + "." + token
			} else {
				filter += fmt.Sprintf("[%q]", token)
			}
		}
		if inAddress {
			filter += "|@uri"
		}
		return fmt.Sprintf(`"$(jq -r %s <<<"$STEP%d")"`, shell(filter), n)
	}
	if n < 1 || n > len(c.steps) {
		return `""`
	}
	before := c.steps[n-1]
	if from.In != "body" {
		return c.text(before.Params[from.Name])
	}
	value, _ := spec.Find(jsonOf(before.Body), spec.Tokens(from.Name)).(string)
	if inAddress && !reference.MatchString(value) {
		return shell(strings.ReplaceAll(escape(value), "%24unique", "$unique"))
	}
	return c.text(value)
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// text returns a word of the shell for a text or a reference.
func (c *curl) text(text string) string {
	if value := c.value(text, false); value != "" {
		return value
	}
	return shell(text)
}

// body returns a word of the shell for a body.
func (c *curl) body(body string) string {
	var b strings.Builder
	last := 0
	for _, at := range quoted.FindAllStringIndex(body, -1) {
		b.WriteString(shell(body[last:at[0]+1]) + c.value(body[at[0]+1:at[1]-1], false))
		last = at[1] - 1
	}
	b.WriteString(shell(body[last:]))
	return b.String()
}

// shell returns a word of a shell that stands for a text.
func shell(text string) string {
	var words strings.Builder
	for i, part := range strings.Split(text, "$unique") {
		if i > 0 {
			words.WriteString(`"$UNIQUE"`)
		}
		words.WriteString(word(part))
	}
	return words.String()
}

func word(text string) string {
	if text == "" {
		return ""
	}
	if unit, n := run(text); n > 0 {
		before, behind, _ := strings.Cut(text, strings.Repeat(unit, n))
		return word(before) + fmt.Sprintf(`"$(printf '%%.0s'%s {1..%d})"`, strings.ReplaceAll(word(unit), "%", "%%"), n) + word(behind)
	}
	plain := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) < 0
	if plain {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for _, c := range []byte(text) {
		switch {
		case c == '\'' || c == '\\':
			b.WriteString(`\` + string(rune(c)))
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteString("'")
	return b.String()
}

// run returns what a text repeats more than 200 times, and how often.
func run(text string) (string, int) {
	for size := 1; size <= 5 && size < len(text); size++ {
		for from := 0; from+size <= len(text) && from < 400; from++ {
			unit := text[from : from+size]
			n := 1
			for strings.HasPrefix(text[from+n*size:], unit) {
				n++
			}
			if n > 200 {
				return unit, n
			}
		}
	}
	return "", 0
}

// Test returns the story as a Go test, for an [Explorer] in a variable explorer.
func (f *Failure) Test() string {
	var b strings.Builder
	fmt.Fprintf(&b, "func Test%s(t *testing.T) {\n\texplorer.Try(t,\n", goName(f.Operation+" "+string(f.Kind)+" "+f.class))
	for _, step := range f.Steps {
		fmt.Fprintf(&b, "\t\texplore.Step{Operation: %q", step.Operation)
		if len(step.Params) > 0 {
			var params []string
			for _, name := range slices.Sorted(maps.Keys(step.Params)) {
				params = append(params, fmt.Sprintf("%q: %s", name, literal(step.Params[name])))
			}
			fmt.Fprintf(&b, ", Params: map[string]string{%s}", strings.Join(params, ", "))
		}
		for _, field := range []struct{ name, value string }{
			{"Body", step.Body}, {"Media", step.Media}, {"Credentials", string(step.Credentials)}, {"Method", step.Method}, {"Want",
				string(step.Want)},
		} {
			if field.value != "" {
				fmt.Fprintf(&b, ", %s: %s", field.name, literal(field.value))
			}
		}
		b.WriteString("},\n")
	}
	b.WriteString("\t)\n}\n")
	return b.String()
}

// goName returns the words of a text as a part of a name in Go.
func goName(text string) string {
	var name strings.Builder
	for _, word := range regexp.MustCompile(`[A-Za-z0-9]+`).FindAllString(text, -1) {
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return name.String()
}

// literal returns a Go expression for a text.
func literal(text string) string {
	if unit, n := run(text); n > 0 {
		before, behind, _ := strings.Cut(text, strings.Repeat(unit, n))
		all := fmt.Sprintf("strings.Repeat(%q, %d)", unit, n)
		if before != "" {
			all = literal(before) + " + " + all
		}
		if behind != "" {
			all += " + " + literal(behind)
		}
		return all
	}
	if strings.Contains(text, `"`) && strconv.CanBackquote(text) {
		return "`" + text + "`"
	}
	return strconv.Quote(text)
}

func jsonOf(text string) any {
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil
	}
	return value
}
