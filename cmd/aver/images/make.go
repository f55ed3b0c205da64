//go:build ignore

// Command make draws the specimen images of the demo: two sides of a licence as JPEG, a face as PNG. No person and no
// real document is shown.
package main

import (
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"log"
	"os"
)

var (
	paper = color.RGBA{0xE9, 0xF0, 0xF7, 0xFF}
	band  = color.RGBA{0x2B, 0x5C, 0x8A, 0xFF}
	ink   = color.RGBA{0x33, 0x3D, 0x49, 0xFF}
	faint = color.RGBA{0xB9, 0xC7, 0xD6, 0xFF}
	skin  = color.RGBA{0xD9, 0xB3, 0x95, 0xFF}
)

// glyphs are the letters of the word that every specimen bears, five columns wide and seven rows high.
var glyphs = map[rune][7]string{
	'S': {" ####", "#    ", "#    ", " ### ", "    #", "    #", "#### "},
	'P': {"#### ", "#   #", "#   #", "#### ", "#    ", "#    ", "#    "},
	'E': {"#####", "#    ", "#    ", "#### ", "#    ", "#    ", "#####"},
	'C': {" ####", "#    ", "#    ", "#    ", "#    ", "#    ", " ####"},
	'I': {" ### ", "  #  ", "  #  ", "  #  ", "  #  ", "  #  ", " ### "},
	'M': {"#   #", "## ##", "# # #", "# # #", "#   #", "#   #", "#   #"},
	'N': {"#   #", "##  #", "# # #", "#  ##", "#   #", "#   #", "#   #"},
}

func main() {
	front := canvas(640, 404)
	fill(front, 0, 0, 640, 70, band)
	write(front, "SPECIMEN", 30, 18, 5, paper)
	face(front, 120, 220, 70)
	for i := range 6 {
		fill(front, 240, 110+i*40, 240+(340-i*37%130), 124+i*40, faint)
	}
	saveJPEG("license-front.jpg", front)

	back := canvas(640, 404)
	fill(back, 0, 40, 640, 110, ink)
	for x := 40; x < 600; x += 2 + x*7%9 { // bars
		fill(back, x, 180, x+1+x%4, 280, ink)
	}
	write(back, "SPECIMEN", 180, 320, 6, faint)
	saveJPEG("license-back.jpg", back)

	selfie := canvas(480, 480)
	face(selfie, 240, 220, 130)
	write(selfie, "SPECIMEN", 96, 420, 6, paper)
	savePNG("selfie.png", selfie)
}

func canvas(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	return m
}

func fill(m *image.RGBA, x0, y0, x1, y1 int, c color.Color) {
	draw.Draw(m, image.Rect(x0, y0, x1, y1), image.NewUniform(c), image.Point{}, draw.Src)
}

func disc(m *image.RGBA, cx, cy, rx, ry int, c color.Color) {
	for y := -ry; y <= ry; y++ {
		for x := -rx; x <= rx; x++ {
			if x*x*ry*ry+y*y*rx*rx <= rx*rx*ry*ry {
				m.Set(cx+x, cy+y, c)
			}
		}
	}
}

func face(m *image.RGBA, cx, cy, r int) {
	disc(m, cx, cy+r*2, r*5/4, r, band)        // shoulders
	disc(m, cx, cy-r/6, r*11/12, r*13/12, ink) // hair
	disc(m, cx, cy, r*3/4, r, skin)
	disc(m, cx-r/3, cy-r/8, r/11, r/11, ink)
	disc(m, cx+r/3, cy-r/8, r/11, r/11, ink)
	fill(m, cx-r/4, cy+r/2, cx+r/4, cy+r/2+r/16, ink)
}

func write(m *image.RGBA, word string, x, y, size int, c color.Color) {
	for _, letter := range word {
		for row, line := range glyphs[letter] {
			for column, dot := range line {
				if dot == '#' {
					fill(m, x+column*size, y+row*size, x+(column+1)*size, y+(row+1)*size, c)
				}
			}
		}
		x += 6 * size
	}
}

func saveJPEG(name string, m image.Image) {
	f := create(name)
	if err := jpeg.Encode(f, m, &jpeg.Options{Quality: 85}); err != nil {
		log.Fatal(err)
	}
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
}

func savePNG(name string, m image.Image) {
	f := create(name)
	if err := png.Encode(f, m); err != nil {
		log.Fatal(err)
	}
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
}

func create(name string) *os.File {
	f, err := os.Create(name)
	if err != nil {
		log.Fatal(err)
	}
	return f
}
