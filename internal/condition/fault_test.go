// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"errors"
	"testing"

	"github.com/google/cel-go/common/types"
)

func TestErrorsSayWhereAndNeverQuoteTheRequest(t *testing.T) {
	for _, c := range []struct{ expression, want string }{
		{"context[subject.id] == 'x'", "line 1, column 8: no such key"},
		{"context.nothing == 'x'", "line 1, column 8: no such key: context.nothing"},
		{"context.purpose.a.b == 'x'", "line 1, column 16: no such key: context.purpose.a"},
		{"subject.claims['boss'] == 'x'", "line 1, column 15: no such key"},
		{"resource.properties.team.lead == 'x'", "line 1, column 25: a value is of another type than the expression needs"},
		{"has(context.nothing.a)", "line 1, column 12: no such key: context.nothing"},
		{"has(resource.properties.team.lead)", "line 1, column 4: a value is of another type than the expression needs"},
		{"has(context.purpose.a)", "line 1, column 4: no such key: context.purpose.a"},
		{"context.purpose == 'support' &&\n  context.purpose > 3", "line 2, column 19: a value is of another type than the expression needs"},
		{"true &&\n\n context.nothing.size() > 3", "line 3, column 9: no such key: context.nothing"},
		{"context.purpose == subject.username.split('@')[2]", "line 1, column 47: an index is out of bounds"},
		{"context.purpose in context.purpose", "line 1, column 17: a value is of another type than the expression needs"},
		{"context.items && true", "line 1, column 8: a value is of another type than the expression needs"},
		{"context.items.exists(i, i.cost > 3)", "line 1, column 26: no such key: i.cost"},
		{"context.purpose.exists(c, c == 's')", "line 1, column 23: a value is of another type than the expression needs"},
		{"resource.properties.size.startsWith('3')", "line 1, column 36: a value is of another type than the expression needs"},
		{"resource.properties.size.lowerAscii() == '3'", "line 1, column 36: a value is of another type than the expression needs"},
		{"chain[7] == actor", "line 1, column 6: an index is out of bounds"},
		{"int(subject.id) == 1", "line 1, column 4: a value that cannot be converted"},
		{"{'a': 1}[subject.id] == 1", "line 1, column 9: no such key"},
		{"timestamp(subject.id) == now", "line 1, column 10: a value that cannot be converted"},
		{"timestamp(9223372036854775807 - size(chain)) == now", "line 1, column 10: a number out of range"},
		{"1 / (size(chain) - 2) == 1", "line 1, column 3: a division by zero"},
		{"1 % (size(chain) - 2) == 1", "line 1, column 3: a division by zero"},
		{"9223372036854775807 + size(chain) == 1", "line 1, column 21: a number out of range"},
		{"context.?nothing.value() == 1", "line 1, column 23: an optional value that is not there"},
		{"context.purpose.size() == 1 || dyn(subject).nothing == 1", "line 1, column 44: the request lacks a field"},
	} {
		_, err := ask(t, c.expression, newInput())
		if want := "evaluating condition: " + c.want; !errors.Is(err, ErrEvaluating) || err.Error() != want {
			t.Errorf("%s: got %v, want %s", c.expression, err, want)
		}
	}
	lacking, ok := errors.AsType[*Error](mustErr(ask(t, "subject.session == 's'", bare())))
	if !ok || lacking.Line != 1 || lacking.Column != 8 || lacking.Message != "the request lacks a field: subject.session" {
		t.Errorf("got %+v", lacking)
	}
}

func mustErr(_ answer, err error) error { return err }

func TestAnErrorThatNobodyForesawQuotesNothing(t *testing.T) {
	unknown, ok := types.NewErrWithNodeID(1, "what alice said").(*types.Err)
	if !ok {
		t.Fatal("no error")
	}
	p := &Program{fact: certain(true)}
	if got, want := p.failed(faultOf(unknown)).Error(), "evaluating condition: it cannot be evaluated for this request"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
