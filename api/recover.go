//aver:needs createCheck submitCheck lookupChecks getCheck getCheckResults createAccessLink

package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What the contract marks with x-retry: recover has its recovery here, one function an operation, which the generated
// method names. A new such operation does not compile without one.

// recoverCreateCheck finds a check by its third-party identifier. The checks that have it are noted before the first
// attempt. One that is there afterwards, was not before, and agrees with the request in all that can be read, is the one
// that was asked for. One that was there before keeps another from being created, which is a conflict. None at all means
// that it may be created again, unless OverrideThirdPartyIdentifier is set, which makes and charges another one each time.
// Anything else settles nothing.
func (c *Client) recoverCreateCheck(body CreateCheckRequest) recovery[CreatedCheck] {
	lookup := func(ctx context.Context, criteria LookupChecksRequest) (Checks, error) {
		criteria.ThirdPartyIdentifier = body.ThirdPartyIdentifier
		found, err := c.LookupChecks(ctx, criteria)
		return slices.DeleteFunc(found, func(check Check) bool { return check.ThirdPartyIdentifier != body.ThirdPartyIdentifier }), err
	}
	var before Checks
	known := false // before is
	r := recovery[CreatedCheck]{final: body.OverrideThirdPartyIdentifier}
	r.prepare = func(ctx context.Context) (err error) {
		before, err = lookup(ctx, LookupChecksRequest{})
		known = err == nil
		if err != nil && ctx.Err() == nil && !body.OverrideThirdPartyIdentifier {
			return nil // without it the check can be created all the same, but not recovered
		}
		return err
	}
	r.resolve = func(ctx context.Context) (*CreatedCheck, error) {
		found, err := lookup(ctx, LookupChecksRequest{})
		if err != nil {
			return nil, fmt.Errorf("looking the check up failed: %w", err)
		}
		fresh := slices.DeleteFunc(slices.Clone(found), func(check Check) bool { return has(before, check.ID) })
		switch {
		case len(found) > 0 && !known:
			return nil, fmt.Errorf("check %s with this thirdPartyIdentifier is there, and nobody knows whether it was before", found[0].ID)
		case len(fresh) == 0 && len(found) > 0 && !body.OverrideThirdPartyIdentifier:
			return nil, &Error{Class: ErrConflict, Err: fmt.Errorf("check %s with this thirdPartyIdentifier exists already", found[0].ID)}
		case len(fresh) == 0:
			return nil, nil
		case len(fresh) > 1:
			return nil, fmt.Errorf("%d new checks with this thirdPartyIdentifier are there", len(fresh))
		}
		check := fresh[0]
		if other := differs(check, body); other != "" {
			return nil, fmt.Errorf("check %s with this thirdPartyIdentifier is there, but it has another %s", check.ID, other)
		}
		switch same, err := lookup(ctx, LookupChecksRequest{Email: body.Email}); {
		case err != nil:
			return nil, fmt.Errorf("looking the check up by its email failed: %w", err)
		case !has(same, check.ID):
			return nil, fmt.Errorf("check %s with this thirdPartyIdentifier is there, but it has another email", check.ID)
		}
		created := &CreatedCheck{CheckID: check.ID, ThirdPartyIdentifier: body.ThirdPartyIdentifier}
		if !slices.ContainsFunc(check.CheckTypes, func(t CheckType) bool { return t.Is(CheckTypeDocumentVerification) }) {
			return created, nil
		}
		// The check is what costs money. Without a link it is still the caller's, who can make another one.
		if link, err := c.CreateAccessLink(ctx, created.CheckID, CreateAccessLinkRequest{Language: body.Language, ReturnURL: body.ReturnURL}); err == nil {
			created.URL = link.URL
		}
		return created, nil
	}
	return r
}

func has(checks Checks, id string) bool {
	return slices.ContainsFunc(checks, func(check Check) bool { return check.ID == id })
}

// differs names what a check that was just created cannot have otherwise than the request; nothing when it agrees.
func differs(check Check, body CreateCheckRequest) string {
	types := func(types []CheckType) []string {
		var names []string
		for _, t := range types {
			names = append(names, strings.ToLower(string(t)))
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	switch {
	case !strings.EqualFold(check.GroupID, body.GroupID):
		return "groupId"
	case len(body.CheckTypes) > 0 && !slices.Equal(types(check.CheckTypes), types(body.CheckTypes)):
		return "checkTypes"
	case !check.Status.Is(CheckStatusCreated, CheckStatusAwaitingUser):
		return "status than a new one"
	}
	return ""
}

// recoverSubmitCheck reads the status of a check: past AwaitingUser, it was submitted. A check may be canceled before
// or after that.
func (c *Client) recoverSubmitCheck(id string) recovery[SubmittedCheck] {
	return recovery[SubmittedCheck]{resolve: func(ctx context.Context) (*SubmittedCheck, error) {
		check, err := c.GetCheck(ctx, id)
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading the status failed: %w", err)
		case check.Status.Is(CheckStatusCreated, CheckStatusAwaitingUser):
			return nil, nil
		case !check.Status.Known():
			return nil, errors.New("the check has a status that the contract does not know")
		case check.Status.Is(CheckStatusCanceled):
			return nil, errors.New("the check is canceled, and nobody knows whether it was submitted before")
		}
		submitted := &SubmittedCheck{
			ID:                   check.ID,
			OrganizationID:       check.OrganizationID,
			GroupID:              check.GroupID,
			ThirdPartyIdentifier: check.ThirdPartyIdentifier,
			Status:               check.Status,
			StatusReason:         check.StatusReason,
			CheckTypes:           check.CheckTypes,
		}
		if results, err := c.GetCheckResults(ctx, id); err == nil {
			submitted.Status, submitted.StatusReason = results.Status, results.StatusReason
			submitted.Warnings, submitted.CheckResults = results.Warnings, results.CheckResults
		}
		return submitted, nil
	}}
}
