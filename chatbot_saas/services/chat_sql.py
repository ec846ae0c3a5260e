"""The statements that take a question in: who is asked, where, what was said before, and the answer that is to come."""

BOT = """
    SELECT b.id, b.tenant_id, b.name, b.status, b.instructions, b.welcome_message, b.starter_questions, b.model,
           b.fallback_model, b.temperature, b.top_p, b.max_tokens, b.fallback_text, b.language, b.qa_threshold,
           b.answer_mode, b.passage_limit, b.passage_tokens, b.vector_weight, b.rerank, b.link_hosts, b.allow_tools,
           b.allowed_origins, b.allow_localhost, b.identity_required, b.page_context, b.version, b.widget,
           b.knowledge_version, b.model_key, b.model_error, b.embedder, b.dimension,
           t.status AS tenant_status, v.version AS held_version, v.settings AS held_settings,
           EXISTS (SELECT 1 FROM identity_secrets s WHERE s.id = %(secret_id)s::uuid
                   AND (s.expires_at IS NULL OR s.expires_at > now())) AS secret_good
    FROM bots b JOIN tenants t ON t.id = b.tenant_id
    LEFT JOIN bot_versions v ON v.bot_id = b.id AND v.version = CASE
        WHEN %(version)s > 0 THEN %(version)s
        WHEN %(version)s = 0 AND b.hold_changes AND b.published_version > 0 THEN b.published_version END
    WHERE b.id = %(id)s
    """
"""`version`: a number of the bot's, or those that services.chat names. `secret_id`: of a visitor's token."""
VISITORS_CONVERSATION = """
    SELECT c.id, EXISTS (SELECT 1 FROM attachments a
                         WHERE a.conversation_id = c.id AND a.message_id IS NOT NULL) AS has_files
    FROM conversations c WHERE c.id = %(id)s AND c.bot_id = %(bot_id)s
    """
SESSIONS_CONVERSATION = """
    SELECT id, false AS has_files FROM conversations WHERE bot_id = %(bot_id)s AND session_id = %(session_id)s
    """
NEW_CONVERSATION = """
    INSERT INTO conversations (id, tenant_id, bot_id, channel, session_id, origin, status, message_count,
                               first_question)
    SELECT %(id)s, tenant_id, id, %(channel)s, %(session_id)s, '', 'open', 0, '' FROM bots WHERE id = %(bot_id)s
    ON CONFLICT DO NOTHING
    """
HISTORY = """
    SELECT role, text FROM messages
    WHERE conversation_id = %(conversation_id)s AND id < %(before)s AND status = 'complete'
    ORDER BY id DESC LIMIT %(limit)s
    """
QUESTION = """
    INSERT INTO messages (id, tenant_id, bot_id, conversation_id, role, text, status, client_message_id, sources, trace,
                          bot_version)
    VALUES (%(id)s, %(tenant_id)s, %(bot_id)s, %(conversation_id)s, 'user', %(text)s, 'complete', %(client_message_id)s,
            '[]', %(trace)s::jsonb, %(bot_version)s)
    ON CONFLICT (conversation_id, client_message_id) DO NOTHING RETURNING id
    """
COUNT_QUESTION = """
    UPDATE conversations SET message_count = message_count + 2, last_message_at = now(), status = 'open',
           first_question = CASE first_question WHEN '' THEN %(first_question)s ELSE first_question END
    WHERE id = %(conversation_id)s AND EXISTS (SELECT 1 FROM messages WHERE id = %(id)s)
    """
PENDING_ANSWER = """
    INSERT INTO messages (id, tenant_id, bot_id, conversation_id, role, text, status, reply_to_id, sources, trace,
                          bot_version)
    SELECT %(answer_id)s, tenant_id, bot_id, conversation_id, 'assistant', '', 'pending', id, '[]', '{}', bot_version
    FROM messages WHERE id = %(id)s
    """
ATTACH = """
    UPDATE attachments SET message_id = %(id)s
    WHERE id = ANY(%(attachments)s) AND conversation_id = %(conversation_id)s AND message_id IS NULL
          AND EXISTS (SELECT 1 FROM messages WHERE id = %(id)s)
    RETURNING id
    """
"""Sends the files with a question, unless it was stored before. Every one has to be returned."""
