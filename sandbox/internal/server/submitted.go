package server

import "encoding/json"

// MarshalJSON writes the object. The generated code asks for the method because the contract allows a bare string too.
func (c SubmittedCheck) MarshalJSON() ([]byte, error) {
	type plain SubmittedCheck
	return json.Marshal(plain(c))
}

// UnmarshalJSON reads the object.
func (c *SubmittedCheck) UnmarshalJSON(b []byte) error {
	type plain SubmittedCheck
	return json.Unmarshal(b, (*plain)(c))
}
