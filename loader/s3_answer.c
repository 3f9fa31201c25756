/*
 * loader/s3_answer.c
 *     What S3's answers in XML say.
 *
 * They are small and flat: a root, and elements of text in it or one level deeper.
 * Namespaces are not looked at; other servers leave them out. The parser fetches
 * nothing, and a document with a type of its own, which might have entities that
 * grow, is none of S3's.
 */
#include "s3.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>

/* Parse an answer's body; NULL where it is no XML, or has a document type. */
static xmlDoc *
parse(const s3_answer *answer)
{
    xmlDoc *doc = xmlReadMemory((const char *) answer->body.data, (int) answer->body.len, NULL,
                                NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);

    if (doc == NULL || doc->intSubset == NULL)
        return doc;
    xmlFreeDoc(doc);
    return NULL;
}

/* The first element of this name among a node and what follows it. */
static const xmlNode *
find_element(const xmlNode *node, const char *name)
{
    for (; node != NULL; node = node->next)
        if (node->type == XML_ELEMENT_NODE && strcmp((const char *) node->name, name) == 0)
            return node;
    return NULL;
}

/* The text of a node's child of this name; freed with xmlFree. */
static xmlChar *
child_text(const xmlNode *node, const char *name)
{
    const xmlNode *child = node != NULL ? find_element(node->children, name) : NULL;

    return child != NULL ? xmlNodeGetContent(child) : NULL;
}

bool
s3_item_text(const s3_item *item, const char *name, char *text, size_t size)
{
    xmlChar *found = child_text(item->node, name);

    snprintf(text, size, "%s", found != NULL ? (const char *) found : "");
    xmlFree(found);
    return found != NULL;
}

void
s3_answer_read_error(s3_answer *answer)
{
    xmlDoc *doc = parse(answer);
    s3_item root = {doc != NULL ? xmlDocGetRootElement(doc) : NULL};

    if (root.node != NULL && find_element(root.node, "Error") == root.node)
    {
        s3_item_text(&root, "Code", answer->code, sizeof(answer->code));
        s3_item_text(&root, "Message", answer->message, sizeof(answer->message));
        if (answer->region[0] == '\0')
            s3_item_text(&root, "Region", answer->region, sizeof(answer->region));
    }
    xmlFreeDoc(doc);
}

char *
s3_answer_text(const s3_answer *answer, const char *name)
{
    xmlDoc *doc = parse(answer);
    xmlChar *found = doc != NULL ? child_text(xmlDocGetRootElement(doc), name) : NULL;
    char *text = found != NULL ? strdup((const char *) found) : NULL;

    xmlFree(found);
    xmlFreeDoc(doc);
    return text;
}

bool
s3_answer_each(const s3_answer *answer, const char *name,
               bool (*visit)(void *ctx, const s3_item *item), void *ctx)
{
    xmlDoc *doc = parse(answer);
    const xmlNode *node = doc != NULL ? xmlDocGetRootElement(doc)->children : NULL;
    bool done = doc != NULL;

    while (done && (node = find_element(node, name)) != NULL)
    {
        s3_item item = {node};

        done = visit(ctx, &item);
        node = node->next;
    }
    xmlFreeDoc(doc);
    return done;
}
