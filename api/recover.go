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

// recoverCreateCheck finds a check by its third-party identifier. At most one check exists for one, so a check that
// is there and untouched is taken for the one that was asked for, one that is further on was there before and is a
// conflict, and one that is not there may safely be created again. That does not hold with
// OverrideThirdPartyIdentifier: then only a check that was not there before counts, and finding none, or several,
// settles nothing.
func (c *Client) recoverCreateCheck(body CreateCheckRequest) recovery[CreatedCheck] {
	lookup := func(ctx context.Context) (Checks, error) {
		return c.LookupChecks(ctx, LookupChecksRequest{ThirdPartyIdentifier: body.ThirdPartyIdentifier})
	}
	var r recovery[CreatedCheck]
	var before Checks
	if body.OverrideThirdPartyIdentifier {
		r.prepare = func(ctx context.Context) (err error) {
			before, err = lookup(ctx)
			return err
		}
	}
	r.resolve = func(ctx context.Context) (*CreatedCheck, error) {
		found, err := lookup(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking the check up failed: %w", err)
		}
		found = slices.DeleteFunc(found, func(check Check) bool {
			return check.ThirdPartyIdentifier != body.ThirdPartyIdentifier ||
				slices.ContainsFunc(before, func(old Check) bool { return old.ID == check.ID })
		})
		switch {
		case len(found) == 0 && body.OverrideThirdPartyIdentifier:
			return nil, errors.New("no new check is there yet")
		case len(found) == 0:
			return nil, nil
		case len(found) > 1:
			return nil, fmt.Errorf("%d checks with this thirdPartyIdentifier are there", len(found))
		case !strings.EqualFold(found[0].GroupID, body.GroupID), !found[0].Status.Is(CheckStatusCreated, CheckStatusAwaitingUser):
			// It cannot be the one that was asked for a moment ago, and keeps that from being created.
			return nil, &Error{class: ErrConflict, Err: fmt.Errorf("check %s with this thirdPartyIdentifier exists already", found[0].ID)}
		}
		created := &CreatedCheck{CheckID: found[0].ID, ThirdPartyIdentifier: body.ThirdPartyIdentifier}
		if !slices.ContainsFunc(found[0].CheckTypes, func(t CheckType) bool { return t.Is(CheckTypeDocumentVerification) }) {
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

// recoverSubmitCheck reads the status of a check: past AwaitingUser, it was submitted.
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
