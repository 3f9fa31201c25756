/*
 * loader/serve_guests.c
 *     The HTTP connections that are open, and making room among them.
 *
 * So many connections and no more are accepted, and one that sends a byte now and then is
 * never idle. That others are still answered, where room gets scarce those are closed that
 * have gone longest without a whole exchange, request and answer: a client that sends its
 * request at once is answered long before it is the oldest. The list is in this order, an
 * exchange puts its connection to the end. Those whose answer is being made stay.
 */
#include "serve.h"

#include <stdlib.h>
#include <sys/socket.h>

struct serve_guest
{
    serve_guest *older;
    serve_guest *newer;
    int socket;
    bool is_answered; /* just now */
    bool is_sent_off;
};

void
serve_guests_init(serve_guests *guests)
{
    *guests = (serve_guests){.count = 0};
    pthread_mutex_init(&guests->lock, NULL);
}

void
serve_guests_destroy(serve_guests *guests)
{
    pthread_mutex_destroy(&guests->lock);
}

/* Put a guest to the list's new end. */
static void
append(serve_guests *guests, serve_guest *guest)
{
    guest->older = guests->newest;
    guest->newer = NULL;
    if (guests->newest != NULL)
        guests->newest->newer = guest;
    else
        guests->oldest = guest;
    guests->newest = guest;
}

/* Take a guest off the list. */
static void
take_off(serve_guests *guests, serve_guest *guest)
{
    if (guest->older != NULL)
        guest->older->newer = guest->newer;
    else
        guests->oldest = guest->newer;
    if (guest->newer != NULL)
        guest->newer->older = guest->older;
    else
        guests->newest = guest->older;
}

/* Close those that have gone longest without an exchange where there are too many. */
static void
make_room(serve_guests *guests)
{
    for (serve_guest *guest = guests->oldest;
         guest != NULL && guests->count > SERVE_FEW_CONNECTIONS; guest = guest->newer)
    {
        if (guest->is_answered || guest->is_sent_off)
            continue;
        guest->is_sent_off = true;
        guests->count--;
        guests->sent_off++;
        shutdown(guest->socket, SHUT_RDWR); /* whose thread notices, and closes it */
    }
}

serve_guest *
serve_guest_enter(serve_guests *guests, int socket)
{
    serve_guest *guest = calloc(1, sizeof(serve_guest));

    if (guest == NULL)
        return NULL;
    guest->socket = socket;
    pthread_mutex_lock(&guests->lock);
    append(guests, guest);
    guests->count++;
    make_room(guests);
    pthread_mutex_unlock(&guests->lock);
    return guest;
}

void
serve_guest_leave(serve_guests *guests, serve_guest *guest)
{
    if (guest == NULL)
        return;
    pthread_mutex_lock(&guests->lock);
    take_off(guests, guest);
    guests->count -= !guest->is_sent_off;
    pthread_mutex_unlock(&guests->lock);
    free(guest);
}

void
serve_guest_answered(serve_guests *guests, serve_guest *guest, bool is_answered)
{
    if (guest == NULL)
        return;
    pthread_mutex_lock(&guests->lock);
    guest->is_answered = is_answered;
    pthread_mutex_unlock(&guests->lock);
}

void
serve_guest_done(serve_guests *guests, serve_guest *guest)
{
    if (guest == NULL)
        return;
    pthread_mutex_lock(&guests->lock);
    take_off(guests, guest);
    append(guests, guest);
    pthread_mutex_unlock(&guests->lock);
}

void
serve_guests_count(serve_guests *guests, int *open, uint64_t *sent_off)
{
    pthread_mutex_lock(&guests->lock);
    *open = guests->count;
    *sent_off = guests->sent_off;
    pthread_mutex_unlock(&guests->lock);
}
