package domain

// Stored makes a value of the text that an equal value's String gave. It trusts
// the text, as decoding a stored event does: it is for views that keep values in
// a form of their own. Text from anywhere else goes through the type's Parse.
func Stored[V interface{ ~struct{ value } }](text string) V {
	return V(struct{ value }{value{text}})
}

// StoredAttribute makes an attribute of what an equal one's JSON gave, and trusts
// it as Stored does.
func StoredAttribute(json string) Attribute { return Attribute{json} }
