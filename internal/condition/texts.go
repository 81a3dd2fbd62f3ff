// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

// Prices of functions that make texts or lists of texts.

// joined texts are as long as both together.
var joined = &price{base: 1, more: scanning(bytesPerScan).more, gives: func(of []*extent) *extent {
	return scalar(plus(of[0].text, of[1].text))
}}

// spliced is a list of texts with a text between each two. Where one is no text, CEL spells it in an error.
var spliced = &price{base: 1, more: func(of []extent) uint64 {
	spelling := times(4, of[0].steps())
	return plus(plus(of[0].entries, spelling), splicedLength(of[0], of[1:])/bytesPerScan)
}, gives: func(of []*extent) *extent {
	between := make([]extent, len(of)-1)
	for i, operand := range of[1:] {
		between[i] = *operand
	}
	return scalar(splicedLength(*of[0], between))
}}

func splicedLength(list extent, between []extent) uint64 {
	if len(between) == 0 {
		return list.bytes
	}
	return plus(list.bytes, times(list.entries, between[0].text))
}

// replaced has the new text in it at most once for every byte of the old one, and once at the end.
var replaced = &price{base: 1, more: func(of []extent) uint64 {
	return plus(of[0].text, replacedLength(of[0], of[2])) / bytesPerScan
}, gives: func(of []*extent) *extent { return scalar(replacedLength(*of[0], *of[2])) }}

func replacedLength(whole, by extent) uint64 {
	return plus(whole.text, times(plus(whole.text, 1), by.text))
}

// cut is a list of texts that have stood in one.
var cut = &price{base: 1, more: func(of []extent) uint64 { return of[0].text }, gives: pieces}

func pieces(of []*extent) *extent {
	length := of[0].text
	return &extent{nodes: plus(length, 2), bytes: length, entries: plus(length, 1), each: scalar(length)}
}

// located is the place of one text in another, which CEL looks for without any haste.
var located = &price{base: 1, more: func(of []extent) uint64 {
	return plus(plus(of[0].text, of[1].text)/bytesPerScan, times(of[0].text, of[1].text)/32)
}}
