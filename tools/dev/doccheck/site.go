package main

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// page is what checkSite needs of an HTML file.
type page struct {
	ids   []string
	links []string // what a reader may follow
	loads []string // what a browser loads by itself
}

// checkSite reports what is wrong with the links of the HTML files below dir: a
// relative one leads to a file and an element that exist, and nothing is loaded from
// elsewhere, so that the pages work without a network.
func checkSite(dir string) ([]string, error) {
	tree := os.DirFS(dir)
	pages := map[string]page{}
	err := fs.WalkDir(tree, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".html" {
			return err
		}
		data, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		pages[name], err = parsePage(string(data))
		if err != nil {
			return fmt.Errorf("parsing %s: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(pages) == 0 {
		return nil, fmt.Errorf("%q has no HTML files", dir)
	}
	var out []string
	for name, p := range pages {
		for _, target := range p.loads {
			if u, err := url.Parse(target); err == nil && u.Host != "" {
				out = append(out, fmt.Sprintf("%s: %q is loaded from another host", name, target))
			}
		}
		for _, target := range slices.Concat(p.links, p.loads) {
			if why := brokenLink(tree, pages, name, target); why != "" {
				out = append(out, fmt.Sprintf("%s: link %q %s", name, target, why))
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// brokenLink explains why a link of the page name leads nowhere, "" when it is right or
// leaves the site.
func brokenLink(tree fs.FS, pages map[string]page, name, target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return "is not a URL"
	}
	if u.Scheme != "" || u.Host != "" {
		return ""
	}
	to := name
	if u.Path != "" {
		to = path.Join(path.Dir(name), u.Path)
	}
	if info, err := fs.Stat(tree, to); err != nil || info.IsDir() {
		return "leads to no file"
	}
	if u.Fragment != "" && !slices.Contains(pages[to].ids, u.Fragment) {
		return "leads to no element of " + to
	}
	return ""
}

func parsePage(text string) (page, error) {
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return page{}, err
	}
	var p page
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "id":
				p.ids = append(p.ids, a.Val)
			case a.Key == "href" && n.Data == "a":
				p.links = append(p.links, a.Val)
			case a.Key == "href", a.Key == "src":
				p.loads = append(p.loads, a.Val)
			}
		}
	}
	return p, nil
}
