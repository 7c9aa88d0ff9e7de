package reports

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"hindcast.dev/backtest/result"
)

// Write draws the report of the run f into dir: report.html, report.md and the
// pictures as SVG and PNG under plots. Each file is written whole or not at all;
// files that are there already are replaced.
func Write(f *result.Folder, dir string) error {
	pics, err := newPictures(f)
	if err != nil {
		return err
	}
	if err := writePlots(pics.figures, dir); err != nil {
		return err
	}
	var page, text bytes.Buffer
	if err := errors.Join(writeHTML(&page, f, pics), writeMarkdown(&text, f, pics)); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return writePages(dir, page.Bytes(), text.Bytes())
}

// writePages writes report.html and report.md.
func writePages(dir string, page, text []byte) error {
	err := errors.Join(writeWhole(filepath.Join(dir, result.HTMLFile), page), writeWhole(filepath.Join(dir, result.MarkdownFile), text))
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// writePlots writes each picture as SVG and PNG.
func writePlots(figures []*figure, dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, result.PlotsDir), 0o755); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	for _, fig := range figures {
		png, err := fig.png()
		if err != nil {
			return err
		}
		name := filepath.Join(dir, result.PlotsDir, fig.name)
		if err := errors.Join(writeWhole(name+".svg", fig.svg(false)), writeWhole(name+".png", png)); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	return nil
}

// writeWhole writes beside the file and renames, so that nobody reads half of it.
func writeWhole(name string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
