// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"behalf.dev/behalf/test/stack"
)

// paper is where the demo is told. It is the scenes' audience.
type paper struct {
	out    io.Writer
	colour bool
}

// width at which stories are folded.
const width = 100

// newPaper writes in colour to a terminal, unless NO_COLOR (no-color.org) is set.
func newPaper(out *os.File) *paper {
	info, err := out.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return &paper{out: out, colour: terminal && os.Getenv("NO_COLOR") == ""}
}

const (
	bold  = "1"
	green = "32"
	red   = "31"
	faint = "2"
)

func (p *paper) paint(style, text string) string {
	if !p.colour {
		return text
	}
	return "\033[" + style + "m" + text + "\033[0m"
}

func (p *paper) printf(format string, args ...any) { fmt.Fprintf(p.out, format, args...) }

func (p *paper) heading(title, story string) {
	p.printf("\n%s\n", p.paint(bold, title))
	for _, line := range fold(story, width) {
		p.printf("   %s\n", p.paint(faint, line))
	}
	p.printf("\n")
}

func (p *paper) step(began time.Time, what string) {
	p.printf("  %5.1fs  %s\n", time.Since(began).Seconds(), what)
}

func (p *paper) verbatim(text string) {
	for line := range strings.Lines(text) {
		p.printf("   %s", line)
	}
}

func (p *paper) done(count int, took time.Duration) {
	p.printf("\n%s %d scenes, each decided alike by both authorizers, in %.1fs\n", p.paint(green, "✔"), count, took.Seconds())
}

// Asked tells a question and its answer.
func (p *paper) Asked(question stack.Question, answer stack.Answer) {
	verdict := p.paint(red, "✘ DENY ")
	if answer.Allowed {
		verdict = p.paint(green, "✔ ALLOW")
	}
	p.printf("   %s  %s\n", verdict, p.paint(bold, question.Title))
	p.printf("            %s  %s\n", question, p.paint(faint, "["+question.Door()+"]"))
	if !answer.Allowed {
		p.printf("            %s\n", p.paint(red, "leg "+answer.Leg+", reason "+answer.Reason))
	}
	for _, line := range fold(answer.Message, width-12) {
		p.printf("            %s\n", line)
	}
	p.printf("\n")
}

// Did tells what somebody did.
func (p *paper) Did(who, what, outcome string) {
	p.printf("   %s %s\n", p.paint(bold, who), what)
	for _, line := range fold(outcome, width-12) {
		p.printf("            %s\n", line)
	}
	p.printf("\n")
}

// Measured tells how long something took.
func (p *paper) Measured(what string, took time.Duration) {
	p.printf("   %s  %s\n\n", p.paint(bold, fmt.Sprintf("%4d ms", took.Milliseconds())), what)
}

// fold breaks text at spaces into lines of at most width characters, where words allow.
func fold(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
